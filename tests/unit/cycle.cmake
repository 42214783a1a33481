reconcile_unit_test(cycle cycle.c)
reconcile_unit_test(watch watch.c)
target_compile_definitions(test-watch PRIVATE RECONCILE="$<TARGET_FILE:reconcile>")
add_dependencies(test-watch reconcile)
