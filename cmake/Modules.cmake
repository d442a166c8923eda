# campanile_module(name SOURCES a.cc b.cc LINKS other modules and libraries)
# One folder under src/ is one static library, named campanile_<folder>.
function(campanile_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(campanile_${name} STATIC ${ARG_SOURCES})
  target_include_directories(campanile_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(campanile_${name} PUBLIC ${ARG_LINKS})
endfunction()

# campanile_test(module LINKS …): every *_test.cc in the calling folder becomes one program and one ctest entry,
# which runs in that folder so that golden files are found by relative path.
function(campanile_test name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE ${ARG_LINKS} GTest::gtest_main GTest::gmock)
  add_test(NAME unit.${name} COMMAND ${name}_test --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests)
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()

# campanile_fuzz(parser LINKS …): tests/fuzz/<parser>_fuzz.cc. A plain build replays tests/fuzz/corpus/<parser>/ in ctest;
# with CAMPANILE_FUZZ (clang) the same file becomes a libFuzzer program.
function(campanile_fuzz name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  if(CAMPANILE_FUZZ)
    add_executable(${name}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cc)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cc ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
  endif()
  target_link_libraries(${name}_fuzz PRIVATE ${ARG_LINKS})
endfunction()

# campanile_bench(name LINKS …): bench/<name>_bench.cc with Google Benchmark.
function(campanile_bench name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  find_package(benchmark REQUIRED)
  add_executable(${name}_bench ${CMAKE_SOURCE_DIR}/bench/${name}_bench.cc)
  target_link_libraries(${name}_bench PRIVATE ${ARG_LINKS} benchmark::benchmark_main)
endfunction()
