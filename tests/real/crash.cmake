# Preloaded into the tool: one ends it after an act, the other makes an act fail.
foreach(shim kill-at fail-at)
  string(REPLACE - _ source ${shim})
  add_library(${shim} MODULE ${PROJECT_SOURCE_DIR}/tests/lib/${source}.c)
  target_compile_definitions(${shim} PRIVATE _GNU_SOURCE)
  target_compile_options(${shim} PRIVATE -O2 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
  target_link_libraries(${shim} PRIVATE ${CMAKE_DL_LIBS})
endforeach()

# Each is a host of its own; those that last longest begin first: COST, in seconds.
foreach(row
    "points 300 points" "random 200 random stop notes" "walk 150 walk:rolling walk:blue-green walk:canary walk:in-place downtime:in-place" "engine 150 engine nginx"
    "disk 200 disk unnoted:rolling unnoted:blue-green" "notes 200 unnoted:canary unnoted:in-place")
  separate_arguments(row)
  list(POP_FRONT row name cost)
  reconcile_real_test(crash-${name} crash.sh ${row})
  set_tests_properties(real-crash-${name} PROPERTIES COST ${cost})
endforeach()
