reconcile_unit_test(cycle cycle.c)
