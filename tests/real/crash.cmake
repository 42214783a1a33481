add_library(kill-at MODULE ${PROJECT_SOURCE_DIR}/tests/lib/kill_at.c)
target_compile_definitions(kill-at PRIVATE _GNU_SOURCE)
target_compile_options(kill-at PRIVATE -O2 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
target_link_libraries(kill-at PRIVATE ${CMAKE_DL_LIBS})

reconcile_real_test(crash crash.sh)
