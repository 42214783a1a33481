# The program itself: its path comes by the environment.
reconcile_unit_test(strict strict.c)
set_tests_properties(unit-strict PROPERTIES ENVIRONMENT "RECONCILE_BINARY=$<TARGET_FILE:reconcile>")
