# The house in CMake. `room()` makes one static library with an include root of its own (a link in the build folder; the sources stay
# flat), so that including a room that was not named under USES is "no such file". Tried: with one shared `-I src` the same mistake compiles.
#
#   room(tracking SOURCES types.cpp rows.cpp USES wire store net jobs access LINKS SQLite::SQLite3 TESTS runs_test.cpp)
#
# VERBS are its words of the command line: a library of their own, <room>_verbs, that only the program links and no test waits for.
# LINKS are libraries that only this room's own files include. TESTS become <room>_test; TEST_USES adds rooms that only the tests may see.
set(PAWL_ROOMS ${CMAKE_BINARY_DIR}/rooms)

# What every file of ours is compiled with: warnings are errors, and the std headers come from one precompiled header.
add_library(pawl_flags INTERFACE)
target_compile_options(pawl_flags INTERFACE -Wall -Wextra -Wpedantic -Werror)

set(PAWL_PCH_SOURCE ${CMAKE_BINARY_DIR}/pch/pch.cpp)
file(CONFIGURE OUTPUT ${PAWL_PCH_SOURCE} CONTENT "// The owner of the precompiled header.\n" @ONLY)
add_library(pawl_pch OBJECT ${PAWL_PCH_SOURCE})
target_compile_options(pawl_pch PUBLIC "SHELL:-Xclang -fno-pch-timestamp")
target_link_libraries(pawl_pch PRIVATE pawl_flags)
target_precompile_headers(pawl_pch PRIVATE
  <algorithm> <array> <chrono> <condition_variable> <expected> <filesystem> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <thread> <tuple> <unordered_map> <variant> <vector>)

function(pawl_compiled_as_ours target)
  target_link_libraries(${target} PRIVATE pawl_flags)
  target_precompile_headers(${target} REUSE_FROM pawl_pch)
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endfunction()

# One doctest program per room; every case becomes a ctest case of its own.
add_library(doctest_main STATIC ${CMAKE_SOURCE_DIR}/cmake/doctest_main.cpp)
target_link_libraries(doctest_main PUBLIC doctest::doctest)

function(pawl_test target)
  cmake_parse_arguments(T "" "" "SOURCES;USES" ${ARGN})
  add_executable(${target} ${T_SOURCES})
  target_link_libraries(${target} PRIVATE ${T_USES} doctest_main ${RAPIDCHECK})
  pawl_compiled_as_ours(${target})
  target_compile_definitions(${target} PRIVATE PAWL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  doctest_discover_tests(${target} TEST_PREFIX "${target}: " DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 300 ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp")
endfunction()

function(room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;VERBS;USES;LINKS;TESTS;TEST_USES" ${ARGN})
  list(TRANSFORM ROOM_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/src/${name}/)
  add_library(${name} STATIC ${ROOM_SOURCES})
  file(MAKE_DIRECTORY ${PAWL_ROOMS}/${name})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${PAWL_ROOMS}/${name}/${name} SYMBOLIC)
  target_include_directories(${name} PUBLIC ${PAWL_ROOMS}/${name})
  target_link_libraries(${name} PUBLIC ${ROOM_USES} PRIVATE ${ROOM_LINKS})
  pawl_compiled_as_ours(${name})
  if(ROOM_VERBS)
    list(TRANSFORM ROOM_VERBS PREPEND ${CMAKE_SOURCE_DIR}/src/${name}/)
    add_library(${name}_verbs STATIC ${ROOM_VERBS})
    target_link_libraries(${name}_verbs PUBLIC ${name} PRIVATE CLI11::CLI11 fmt::fmt)
    pawl_compiled_as_ours(${name}_verbs)
  endif()
  if(ROOM_TESTS)
    list(TRANSFORM ROOM_TESTS PREPEND ${CMAKE_SOURCE_DIR}/src/${name}/)
    pawl_test(${name}_test SOURCES ${ROOM_TESTS} USES ${name} ${ROOM_TEST_USES})
  endif()
endfunction()
