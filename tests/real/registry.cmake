reconcile_real_test(registry registry.sh)
