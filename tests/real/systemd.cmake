reconcile_real_test(systemd systemd.sh)
