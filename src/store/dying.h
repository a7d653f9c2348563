// For tests: SQLite's own file layer, but for a number of commits after which it is dead: every later write fails, as for a process that was killed.
#pragma once
#include <string>

namespace pawl::store::dying {

std::string install();  // its name, for Options::vfs
// Counts from now. Not `written`: dead once so many commits are durable. `written`: the next one's bytes are in the file too, but nobody hears of it.
void die_after(int commits, bool written);
void live_on();
bool dead();
int commits();  // since die_after or live_on; a checkpoint counts too

}  // namespace pawl::store::dying
