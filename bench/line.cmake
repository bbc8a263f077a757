prewatt_room(bench NAME bench_line SOURCES line.cpp line_of_meters.cpp
  USES reader sim sim/card meter/node server/collect server/domain card/openssl card protocols/dlt645 base LIBRARIES prewatt_bench_figures)
prewatt_room_test(bench NAME bench_line SOURCES line_test.cpp LIBRARIES prewatt_bench_line)
