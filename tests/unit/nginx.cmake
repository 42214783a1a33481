reconcile_unit_test(nginx nginx.c)
