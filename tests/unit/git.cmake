reconcile_unit_test(git git.c)
