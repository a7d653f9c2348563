# One opening of a shared library on first use, instead of at every start (measured with ONNX Runtime and DuckDB linked: 6.4 ms and
# 16 MiB; opened when needed: 1.3 ms and 2 MiB). x86-64 only.
#
# pawl_lazy(<target> <prefix> <function>...): defines each C function as a jump through a table that open_<...>() fills by dlsym.
# The code calls the real header's functions with their real types; the linker needs no .so; an unlisted function is a link error.
function(pawl_lazy target prefix)
  set(s ".text\n")
  set(tab ".data\n.balign 8\n.globl ${prefix}_table\n${prefix}_table:\n")
  set(names ".section .data.rel.ro,\"aw\"\n.balign 8\n.globl ${prefix}_names\n${prefix}_names:\n")
  set(str ".section .rodata\n")
  set(i 0)
  foreach(f IN LISTS ARGN)
    math(EXPR o "${i}*8")
    string(APPEND s ".balign 16\n.globl ${f}\n.hidden ${f}\n.type ${f},@function\n${f}:\n  endbr64\n  jmp *${prefix}_table+${o}(%rip)\n.size ${f},.-${f}\n")
    string(APPEND tab "  .quad ${prefix}_closed\n")
    string(APPEND names "  .quad .Ln${i}\n")
    string(APPEND str ".Ln${i}: .asciz \"${f}\"\n")
    math(EXPR i "${i}+1")
  endforeach()
  string(APPEND s "${prefix}_closed: ud2\n")
  string(APPEND str ".balign 8\n.globl ${prefix}_count\n${prefix}_count: .quad ${i}\n.section .note.GNU-stack,\"\",@progbits\n")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${prefix}_stub.S")
  file(CONFIGURE OUTPUT "${out}" CONTENT "${s}${tab}${names}${str}" @ONLY)
  target_sources(${target} PRIVATE "${out}")
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()
