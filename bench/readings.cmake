prewatt_room(bench NAME bench_readings SOURCES readings.cpp USES server/store server/domain base
  LIBRARIES prewatt_bench_figures PRIVATE_LIBRARIES prewatt_torture_postgres_server)
prewatt_room_test(bench NAME bench_readings SOURCES readings_test.cpp LIBRARIES prewatt_bench_readings LABELS server)
