# pawl_embed(<target> <name> <folder>): puts every file of the folder into the binary, through an assembler file with `.incbin`; the
# target gains `std::span<const pawl::assets::File> pawl::assets::<name>()`. A changed or a new file rebuilds. A folder that is absent
# or empty gives an empty span, so a checkout without the built page still builds. Declare in the code that uses it:
#
#   namespace pawl::assets { struct File { std::string_view path, bytes; }; std::span<const File> page(); }
function(pawl_embed target sym dir)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${dir}" "${dir}/*")
  list(SORT files)
  set(asm ".section .rodata\n")
  set(ext "")
  set(tab "")
  set(deps "")
  set(i 0)
  foreach(f IN LISTS files)
    string(APPEND asm ".balign 16\n.globl ${sym}_${i}\n.globl ${sym}_${i}_end\n${sym}_${i}:\n.incbin \"${dir}/${f}\"\n${sym}_${i}_end:\n.byte 0\n")
    string(APPEND ext "extern const char ${sym}_${i}[], ${sym}_${i}_end[];\n")
    string(APPEND tab "    {\"/${f}\", {${sym}_${i}, static_cast<std::size_t>(${sym}_${i}_end - ${sym}_${i})}},\n")
    list(APPEND deps "${dir}/${f}")
    math(EXPR i "${i}+1")
  endforeach()
  string(APPEND asm ".section .note.GNU-stack,\"\",@progbits\n")
  if(files)
    set(body "  static const File all[] = {\n${tab}  };\n  return all;\n")
  else() # an array of nothing does not compile
    set(body "  return {};\n")
  endif()
  set(S "${CMAKE_CURRENT_BINARY_DIR}/${sym}.S")
  set(X "${CMAKE_CURRENT_BINARY_DIR}/${sym}.cpp")
  file(CONFIGURE OUTPUT "${S}" CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT "${X}" CONTENT "#include <cstddef>\n#include <span>\n#include <string_view>\nextern \"C\" {\n${ext}}\nnamespace pawl::assets {\nstruct File {\n  std::string_view path, bytes;\n};\nstd::span<const File> ${sym}() {\n${body}}\n}  // namespace pawl::assets\n" @ONLY)
  set_source_files_properties("${S}" PROPERTIES OBJECT_DEPENDS "${deps}")
  target_sources(${target} PRIVATE "${S}" "${X}")
endfunction()
