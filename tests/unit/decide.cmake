reconcile_unit_test(decide decide.c)
