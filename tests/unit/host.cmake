reconcile_unit_test(host-notes host_notes.c)
reconcile_unit_test(host-lock host_lock.c)
reconcile_unit_test(host-swap host_swap.c)
reconcile_unit_test(host-orders host_orders.c)
