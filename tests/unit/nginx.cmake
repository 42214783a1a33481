reconcile_unit_test(nginx nginx.c)
reconcile_unit_test(nginx_log nginx_log.c)
