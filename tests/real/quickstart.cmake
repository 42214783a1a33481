reconcile_real_test(quickstart quickstart.sh)
# Both build in build/release; and each wants the processor for its own client.
set_tests_properties(real-quickstart PROPERTIES RUN_SERIAL TRUE)
