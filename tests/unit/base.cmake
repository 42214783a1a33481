reconcile_unit_test(base base.c)
