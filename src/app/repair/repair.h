// `campanile repair`: makes a data directory that does not open, because something in it is damaged, one that does. What is damaged is left out and told; the
// rest is where it was.
//
//   return repair_command({.directory = "/var/lib/campanile", .is_trial = true});
//
// The store first: where RocksDB does not open it, what it keeps beside its tables is made anew from them. Then the journal (journal/repair.h), which also has to
// tell a start what the store has lost. Everything that is changed is kept in <directory>/damaged/<time>/.
// Exit codes: 0 where it is whole or has become so; 1 where that could not be done or, in a trial, is to be done. Losses go to standard output, errors to
// standard error. Threads: called once, from main(); nobody else may use the directory.
#pragma once

#include <string>

namespace campanile::app {

struct RepairArguments {
  std::string directory;
  bool is_trial = false;  // nothing is changed
};

int repair_command(const RepairArguments& arguments);

}  // namespace campanile::app
