reconcile_real_test(keys keys.sh)
