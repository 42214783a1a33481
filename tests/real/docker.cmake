add_executable(docker-driver docker_driver.c)
target_link_libraries(docker-driver PRIVATE reconcile_core)
target_include_directories(docker-driver PRIVATE ${PROJECT_SOURCE_DIR}/tests/lib)
reconcile_real_test(docker docker.sh)
