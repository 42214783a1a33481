add_test(NAME unit-cli COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/cli.sh $<TARGET_FILE:reconcile> ${PROJECT_SOURCE_DIR})
set_tests_properties(unit-cli PROPERTIES LABELS unit TIMEOUT 120)
add_test(NAME unit-install COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/install.sh ${PROJECT_BINARY_DIR})
set_tests_properties(unit-install PROPERTIES LABELS unit TIMEOUT 120)
