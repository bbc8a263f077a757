prewatt_room(bench NAME bench_ledger SOURCES ledger.cpp USES server/store server/domain base
  LIBRARIES prewatt_bench_figures PRIVATE_LIBRARIES prewatt_torture_postgres_server)
