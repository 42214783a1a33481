reconcile_unit_test(report report.c)
