prewatt_room(verify NAME verify_storage SOURCES storage.cpp
  USES sim meter/node meter/core meter/metrology meter settings protocols/dlt645 card/openssl card base LIBRARIES prewatt_bench_figures)
prewatt_room_test(verify NAME verify_storage SOURCES storage_test.cpp LIBRARIES prewatt_verify_storage)
