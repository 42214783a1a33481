reconcile_unit_test(docker docker.c)
reconcile_unit_test(docker-act docker_act.c)
reconcile_unit_test(docker-registry docker_registry.c)
