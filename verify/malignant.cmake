find_package(PkgConfig REQUIRED)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
prewatt_room(verify NAME verify_malignant SOURCES malignant.cpp USES sim meter/core meter/metrology meter settings base
             LIBRARIES prewatt_bench_figures PRIVATE_LIBRARIES PkgConfig::TOMLPLUSPLUS)
prewatt_room_test(verify NAME verify_malignant SOURCES malignant_test.cpp LIBRARIES prewatt_verify_malignant)
