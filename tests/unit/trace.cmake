add_test(NAME unit-trace COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/trace.sh)
set_tests_properties(unit-trace PROPERTIES LABELS unit TIMEOUT 120)
