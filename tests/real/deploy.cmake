reconcile_real_test(deploy deploy.sh)
add_executable(name-client ${CMAKE_CURRENT_SOURCE_DIR}/name_client.c)
target_compile_definitions(name-client PRIVATE _GNU_SOURCE)
target_compile_options(name-client PRIVATE -O2 -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)

# Static: it is an image's only file.
add_executable(datagrams ${PROJECT_SOURCE_DIR}/tests/lib/datagrams.c)
target_compile_options(datagrams PRIVATE -O1 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
target_link_options(datagrams PRIVATE -static -s)
