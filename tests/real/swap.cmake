# Static, like the application: it is an image's only file.
add_executable(hold hold.c)
target_compile_options(hold PRIVATE -O1 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
target_link_options(hold PRIVATE -static -s)

reconcile_real_test(swap swap.sh)
# The kernel has one list of swap and one vm.swappiness.
set_tests_properties(real-swap PROPERTIES RUN_SERIAL TRUE)
