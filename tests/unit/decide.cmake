reconcile_unit_test(decide decide.c)
reconcile_unit_test(decide-random decide_random.c)
reconcile_unit_test(decide-trouble decide_trouble.c)
reconcile_unit_test(decide-images decide_images.c)
