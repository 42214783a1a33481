reconcile_real_test(deploy deploy.sh)
