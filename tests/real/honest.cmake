# The simulator's schedules, and the tool's own eyes and hands.
set(simulation ${PROJECT_SOURCE_DIR}/tests/simulation)
add_executable(honest honest/honest.c honest/manifest.c honest/picture.c
  ${simulation}/act.c ${simulation}/clockwork.c ${simulation}/flight.c ${simulation}/happen.c ${simulation}/memory.c
  ${simulation}/promises.c ${simulation}/requests.c ${simulation}/schedule.c ${simulation}/simulation.c)
target_include_directories(honest PRIVATE ${simulation} ${PROJECT_SOURCE_DIR}/tests/lib)
target_link_libraries(honest PRIVATE reconcile_core)
reconcile_real_test(honest honest.sh)
set_tests_properties(real-honest PROPERTIES COST 150)
