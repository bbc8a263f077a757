prewatt_room(verify NAME verify_class1 SOURCES front_end.cpp calibrator.cpp class1.cpp
  USES meter/metrology meter base LIBRARIES prewatt_bench_figures)
if(TARGET prewatt_verify_class1 AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The samples of hours of a test bench are made here; at -O2 the compiler leaves them scalar.
  set_source_files_properties(front_end.cpp PROPERTIES COMPILE_OPTIONS "-O3;-fno-trapping-math")
endif()
prewatt_room_test(verify NAME verify_class1 SOURCES class1_test.cpp LIBRARIES prewatt_verify_class1 LABELS metrology)
