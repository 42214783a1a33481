add_executable(docker-driver docker_driver.c)
target_link_libraries(docker-driver PRIVATE reconcile_core)
reconcile_real_test(docker docker.sh)
