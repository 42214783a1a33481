reconcile_real_test(deploy deploy.sh)
add_executable(name-client ${CMAKE_CURRENT_SOURCE_DIR}/name_client.c)
target_compile_definitions(name-client PRIVATE _GNU_SOURCE)
target_compile_options(name-client PRIVATE -O2 -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
