reconcile_unit_test(report report.c)
reconcile_unit_test(report-json report_json.c)
