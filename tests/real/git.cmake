add_executable(git-driver ${CMAKE_CURRENT_SOURCE_DIR}/git_driver.c)
target_link_libraries(git-driver PRIVATE reconcile_core)
set_target_properties(git-driver PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
reconcile_real_test(git git.sh)
