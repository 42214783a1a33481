reconcile_real_test(compose compose.sh)
