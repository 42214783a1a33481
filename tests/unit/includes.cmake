add_test(NAME unit-includes COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/includes.sh ${PROJECT_SOURCE_DIR}/reconciler)
add_test(NAME unit-includes-can-fail COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/includes.sh --self)
set_tests_properties(unit-includes unit-includes-can-fail PROPERTIES LABELS unit TIMEOUT 120 ENVIRONMENT "CC=${CMAKE_C_COMPILER}")
