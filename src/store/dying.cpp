#include "store/dying.h"

#include <sqlite3.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace pawl::store::dying {
namespace {

std::atomic<int> syncs{0}, dies_after{-1};
std::atomic<bool> bytes_written{false}, is_dead{false};
int (*real_open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*) = nullptr;
int (*real_write)(sqlite3_file*, const void*, int, sqlite3_int64) = nullptr;
int (*real_sync)(sqlite3_file*, int) = nullptr;

int write(sqlite3_file* f, const void* p, int n, sqlite3_int64 at) {
  return is_dead ? SQLITE_IOERR_WRITE : real_write(f, p, n, at);
}
int sync(sqlite3_file* f, int flags) {
  if (!is_dead && bytes_written && syncs == dies_after) is_dead = true;
  if (is_dead) return SQLITE_IOERR_FSYNC;
  const int rc = real_sync(f, flags);
  if (++syncs == dies_after && !bytes_written) is_dead = true;
  return rc;
}
int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  static std::mutex mutex;
  static std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> wrapped;
  const int rc = real_open(vfs, name, file, flags, out);
  if (rc != SQLITE_OK || file->pMethods == nullptr) return rc;
  const std::scoped_lock lock(mutex);
  auto& mine = wrapped[file->pMethods];
  if (!mine) {
    mine = std::make_unique<sqlite3_io_methods>(*file->pMethods);
    real_write = mine->xWrite, real_sync = mine->xSync;
    mine->xWrite = write, mine->xSync = sync;
  }
  file->pMethods = mine.get();
  return rc;
}

}  // namespace

std::string install() {
  static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
  if (real_open == nullptr) {
    real_open = vfs.xOpen;
    vfs.xOpen = open;
    vfs.zName = "dying";
    sqlite3_vfs_register(&vfs, 0);
  }
  return "dying";
}
void die_after(int commits, bool written) {
  syncs = 0, dies_after = commits, bytes_written = written;
  is_dead = commits == 0 && !written;
}
void live_on() { die_after(-1, false); }
bool dead() { return is_dead; }
int commits() { return syncs; }

}  // namespace pawl::store::dying
