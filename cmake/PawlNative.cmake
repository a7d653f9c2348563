# ONNX Runtime and DuckDB, which Debian 12 lacks: fetched once by version and hash into a cache outside the checkout.
#
# Both are opened by the program when first needed (see LazyLibrary.cmake): linked, they cost every start 5 ms and 14 MiB. So a room
# links `onnxruntime::headers` or `duckdb::headers`, and the libraries only have to lie in `lib` beside the binary.
if(NOT DEFINED PAWL_CACHE)
  if(DEFINED ENV{PAWL_CACHE})
    set(PAWL_CACHE "$ENV{PAWL_CACHE}" CACHE PATH "Where fetched libraries lie")
  elseif(DEFINED ENV{HOME})
    set(PAWL_CACHE "$ENV{HOME}/.cache/pawl" CACHE PATH "Where fetched libraries lie")
  else() # env -i
    set(PAWL_CACHE "/root/.cache/pawl" CACHE PATH "Where fetched libraries lie")
  endif()
endif()
execute_process(COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fetch-native.sh ${PAWL_CACHE} COMMAND_ERROR_IS_FATAL ANY)

set(PAWL_ONNXRUNTIME_LIB ${PAWL_CACHE}/onnxruntime-1.32.0/lib/libonnxruntime.so.1)
set(PAWL_DUCKDB_LIB ${PAWL_CACHE}/duckdb-1.5.6/lib/libduckdb.so)

add_library(onnxruntime::headers INTERFACE IMPORTED GLOBAL)
target_include_directories(onnxruntime::headers SYSTEM INTERFACE ${PAWL_CACHE}/onnxruntime-1.32.0/include)
add_library(onnxruntime::onnxruntime SHARED IMPORTED GLOBAL)
set_target_properties(onnxruntime::onnxruntime PROPERTIES IMPORTED_SONAME libonnxruntime.so.1 IMPORTED_LOCATION ${PAWL_ONNXRUNTIME_LIB})
target_link_libraries(onnxruntime::onnxruntime INTERFACE onnxruntime::headers)

add_library(duckdb::headers INTERFACE IMPORTED GLOBAL)
target_include_directories(duckdb::headers SYSTEM INTERFACE ${PAWL_CACHE}/duckdb-1.5.6/include)
add_library(duckdb::duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb::duckdb PROPERTIES IMPORTED_SONAME libduckdb.so IMPORTED_LOCATION ${PAWL_DUCKDB_LIB})
target_link_libraries(duckdb::duckdb INTERFACE duckdb::headers)

# Every program lies in build/<preset> and finds them in build/<preset>/lib, a folder of links to the cache.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
file(CREATE_LINK ${PAWL_ONNXRUNTIME_LIB} ${CMAKE_BINARY_DIR}/lib/libonnxruntime.so.1 SYMBOLIC)
file(CREATE_LINK ${PAWL_DUCKDB_LIB} ${CMAKE_BINARY_DIR}/lib/libduckdb.so SYMBOLIC)
set(CMAKE_BUILD_RPATH "$ORIGIN/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
