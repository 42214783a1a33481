reconcile_unit_test(net net.c)
