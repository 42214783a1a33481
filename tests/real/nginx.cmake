# The quick start's application: static, so that an image needs nothing but it.
add_executable(web ${PROJECT_SOURCE_DIR}/manifests/quickstart/web.c)
target_compile_definitions(web PRIVATE _GNU_SOURCE)
target_compile_options(web PRIVATE -Os -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
target_link_options(web PRIVATE -static -s)

# The client that never stops asking. Without sanitizers: it must be faster than what it asks.
add_executable(strict-client client.c)
target_compile_definitions(strict-client PRIVATE _GNU_SOURCE)
target_compile_options(strict-client PRIVATE -O2 -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)

add_executable(nginx-driver nginx_driver.c)
target_link_libraries(nginx-driver PRIVATE reconcile_core)

reconcile_real_test(nginx nginx.sh)
reconcile_real_test(nginx-routes routes.sh)
reconcile_real_test(nginx-split split.sh)
reconcile_real_test(nginx-debian nginx_debian.sh)

add_executable(mirror ${PROJECT_SOURCE_DIR}/tests/lib/mirror.c)
target_compile_definitions(mirror PRIVATE _GNU_SOURCE)
target_compile_options(mirror PRIVATE -O2 -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)

add_executable(nginx-fuzz nginx_fuzz.c)
target_link_libraries(nginx-fuzz PRIVATE reconcile_core)
reconcile_real_test(nginx-fuzz nginx_fuzz.sh)
