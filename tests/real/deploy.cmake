add_executable(name-client ${CMAKE_CURRENT_SOURCE_DIR}/name_client.c)
target_compile_definitions(name-client PRIVATE _GNU_SOURCE)
target_compile_options(name-client PRIVATE -O2 -Wall -Wextra -Wshadow -Wformat=2 $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)

# Static: it is an image's only file.
add_executable(datagrams ${PROJECT_SOURCE_DIR}/tests/lib/datagrams.c)
target_compile_options(datagrams PRIVATE -O1 -Wall -Wextra -Wshadow $<$<BOOL:${RECONCILE_WERROR}>:-Werror>)
target_link_options(datagrams PRIVATE -static -s)

# Each is a host of its own; `outage` makes its trouble with all that was deployed before it. Those that last longest
# begin first: COST, in seconds.
file(GLOB parts RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/deploy CONFIGURE_DEPENDS deploy/*.sh)
list(REMOVE_ITEM parts lib.sh)
foreach(row
    "changes 200 changes depends outage" "canary 180 canary inplace outage" "drift 170 drift keep outage" "git 150 git rolling outage loopback"
    "errors 120 names errors outage" "sources 110 sources routes" "failures 150 failures foreign moving"
    "ways 100 ways contained" "shared 170 shared" "drain 60 drain page" "ports 100 ports flight" "analysis 120 analysis"
    "prometheus 60 prometheus" "hundred 600 hundred")
  separate_arguments(row)
  list(POP_FRONT row name cost)
  foreach(part ${row})
    list(REMOVE_ITEM parts ${part}.sh)
  endforeach()
  reconcile_real_test(deploy-${name} deploy.sh ${row})
  set_tests_properties(real-deploy-${name} PROPERTIES COST ${cost})
endforeach()
# It keeps both processors busy: others would come too late for what they want to meet half way.
set_tests_properties(real-deploy-hundred PROPERTIES RUN_SERIAL ON TIMEOUT 3600)
if(parts)
  message(FATAL_ERROR "tests/real/deploy.cmake: no test runs ${parts}")
endif()
