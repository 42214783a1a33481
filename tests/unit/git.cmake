reconcile_unit_test(git git.c)
reconcile_unit_test(ssh-keys ssh_keys.c)
