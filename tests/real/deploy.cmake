# Each is a host of its own; `outage` makes its trouble with all that was deployed before it. Those that last longest
# begin first: COST, in seconds.
foreach(row
    "changes 200 changes depends outage" "canary 180 canary inplace outage" "drift 170 drift keep outage" "git 150 git rolling outage loopback"
    "errors 120 names errors outage" "sources 110 sources routes" "failures 150 failures foreign moving")
  separate_arguments(row)
  list(POP_FRONT row name cost)
  reconcile_real_test(deploy-${name} deploy.sh ${row})
  set_tests_properties(real-deploy-${name} PROPERTIES COST ${cost})
endforeach()
