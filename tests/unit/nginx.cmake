reconcile_unit_test(nginx nginx.c)
reconcile_unit_test(nginx-server nginx_server.c)
reconcile_unit_test(nginx-log nginx_log.c)
