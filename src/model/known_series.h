// KnownSeries: the series of a store, by the text of their keys, for a decoder that would otherwise take the same names apart in every line. Devices send the
// same few series again and again.
//
//   const std::lock_guard lock(known);
//   const KnownSeries::Found found = known.find("data,room=302");
//   if (found.handle != nullptr) batch.set_series(found.handle);
//
// What is found stays good until `known` goes: whoever stores the batch looks only whether the series has been removed meanwhile.
// Threads: one at a time. find() is for short passages between lock() and unlock(), during which nobody defines a new series.
#pragma once

#include <string_view>

namespace campanile {

class KnownSeries {
 public:
  struct Found {
    void* handle = nullptr;  // means something to the store alone; null: there is none of that key
    std::string_view measurement;
  };

  virtual ~KnownSeries() = default;
  virtual void lock() = 0;
  virtual void unlock() = 0;
  // REQUIRES: lock() was called; a canonical series key (model/series_key.h), or any other text.
  virtual Found find(std::string_view key) = 0;
};

}  // namespace campanile
