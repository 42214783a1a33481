add_test(NAME unit-rows COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/rows.sh ${PROJECT_SOURCE_DIR}/tests)
add_test(NAME unit-rows-can-fail COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/rows.sh --self)
set_tests_properties(unit-rows unit-rows-can-fail PROPERTIES LABELS unit TIMEOUT 120)
