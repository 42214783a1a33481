# Preloaded into the tool: one ends it after an act, the other makes an act fail.
foreach(shim kill-at fail-at)
  string(REPLACE - _ source ${shim})
  add_library(${shim} MODULE ${PROJECT_SOURCE_DIR}/tests/lib/${source}.c)
  target_compile_definitions(${shim} PRIVATE _GNU_SOURCE)
  target_compile_options(${shim} PRIVATE -O2 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
  target_link_libraries(${shim} PRIVATE ${CMAKE_DL_LIBS})
endforeach()

reconcile_real_test(crash crash.sh)
