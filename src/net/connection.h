// Connection: what TcpConnection promises, whatever the bytes travel over. Private to net: includes Asio.
//
// Reading. Bytes lie in a buffer of the stream or of the loop while the handler looks at them; only what it leaves
// unconsumed is copied and kept.
//
// Writing. send() appends to out_; flush() hands it to the kernel: at the end of the handler's own callback, at the end
// of the loop's turn for what others sent. What the kernel does not take becomes writing_ and goes out as the peer
// reads.
//
// States: connecting -> open -> closing (queue goes out) -> lingering (our side is shut, the peer's bytes are
// discarded, so that they do not provoke a reset that would destroy our last words on their way) -> closed. on_closed()
// always comes from the loop, never from inside a call of the owner.
//
// Threads: the loop's, all of it.
#pragma once

#include <atomic>

#include <boost/system/error_code.hpp>

#include "net/loop.h"
#include "net/tcp.h"

namespace campanile::net {

inline constexpr size_t kSendQueueHighBytes = 256 * 1024;
inline constexpr size_t kSendQueueLowBytes = 64 * 1024;

// One connection of a listener's connections_max, given back when it goes.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  explicit ConnectionSlot(std::shared_ptr<std::atomic<size_t>> open) : open_(std::move(open)) { ++*open_; }
  ConnectionSlot(ConnectionSlot&& other) noexcept = default;
  ConnectionSlot& operator=(ConnectionSlot&& other) noexcept {
    release();
    open_ = std::move(other.open_);
    return *this;
  }
  ~ConnectionSlot() { release(); }
  void release() {
    if (open_) --*open_;
    open_.reset();
  }

 private:
  std::shared_ptr<std::atomic<size_t>> open_;
};

class Connection : public TcpConnection, public LoopMember {
 public:
  using ErrorCode = boost::system::error_code;

  Connection(std::shared_ptr<Loop> loop, size_t input_bytes_max, ConnectionSlot slot);
  ~Connection() override;

  void send(std::string_view bytes) final;
  void send_owned(std::string bytes) final;
  size_t send_queue_bytes() const final { return out_.size() + unwritten().size(); }
  uint64_t sent_bytes() const final { return sent_bytes_; }
  void pause_reading() final { paused_ = true; }
  void resume_reading() final;
  void close() final;
  void abort() final { fail("aborted"); }
  EventLoop& loop() final { return *loop_; }
  const Address& peer() const final { return peer_; }

  void loop_stops() final { fail("the program is stopping"); }
  void turn_ends() final;

  // Makes the connection known to its loop, which keeps it alive from here to on_closed(). False: the loop is stopping.
  bool join_loop();
  void set_handler(std::shared_ptr<TcpHandler> handler) { handler_ = std::move(handler); }
  // The stream is connected: tells the handler and starts to read. REQUIRES: join_loop() was true.
  void opened(Address peer);
  // Whom the other end speaks for: a proxy tells it.
  void set_peer(Address peer) { peer_ = std::move(peer); }
  // Closes at once; the handler learns `reason` from on_closed().
  void fail(std::string reason);
  // on_send_queue_low() will come.
  bool send_queue_is_high() const { return send_queue_bytes() > kSendQueueHighBytes; }
  bool is_closed() const { return state_ == State::kClosed; }

 protected:
  // What a kind of stream does. The asynchronous ones end in the matching *_done() below, on the loop.
  virtual void stream_read() = 0;
  // Without waiting; would_block where the stream takes nothing now, or never does without waiting.
  virtual size_t stream_write_now(std::string_view bytes, ErrorCode& error) = 0;
  virtual void stream_write(std::string_view bytes) = 0;
  virtual void stream_shut_down() = 0;
  virtual void stream_close() = 0;

  void read_done(const ErrorCode& error, std::string_view bytes);
  void write_done(const ErrorCode& error, size_t bytes);
  void shut_down_done(const ErrorCode& error);
  Loop& loop_of_this() { return *loop_; }
  // Of what stream_write() was given; empty where nothing waits.
  std::string_view unwritten() const { return writing_ ? std::string_view(writing_->bytes).substr(writing_->taken) : std::string_view(); }

  template <typename Self>
  std::shared_ptr<Self> self_as() {
    return std::static_pointer_cast<Self>(shared_from_this());
  }

 private:
  enum class State : uint8_t { kConnecting, kOpen, kClosing, kLingering, kClosed };

  template <typename Function>
  void call_handler(Function&& function);
  void start_read();
  void deliver(std::string_view bytes);
  void keep(std::string_view bytes);
  void offer_kept();
  bool has_kept() const { return input_ != nullptr; }
  void read_failed(const ErrorCode& error);
  void peer_closed();
  void queued();
  void flush();
  void write_on();
  void note_progress();
  void start_closing(std::string_view reason);
  void watch_closing();
  void shut_down_if_flushed();
  void drop_timer();
  void tell_closed();

  // What the handler left.
  struct Input {
    std::string bytes;
    size_t used = 0;
    std::string_view left() const { return std::string_view(bytes).substr(used); }
  };
  // What the kernel did not take at once.
  struct Writing {
    std::string bytes;
    size_t taken = 0;
  };
  // From the beginning of the end.
  struct Ending {
    std::string reason;
    TimerId timer = 0;
    uint64_t sent_bytes = 0;  // at the last look, to see whether the peer still takes bytes
  };
  std::string_view reason() const { return ending_ ? std::string_view(ending_->reason) : std::string_view(); }

  const std::shared_ptr<Loop> loop_;
  std::shared_ptr<TcpHandler> handler_;
  const size_t input_bytes_max_;
  ConnectionSlot slot_;
  Address peer_;

  std::string out_;  // sent, not yet offered to the kernel
  uint64_t sent_bytes_ = 0;
  std::unique_ptr<Input> input_;      // null while nothing is kept
  std::unique_ptr<Writing> writing_;  // null while the kernel keeps up
  std::unique_ptr<Ending> ending_;

  State state_ = State::kConnecting;
  bool joined_ = false;
  bool in_callback_ = false;
  bool reading_ = false;
  bool write_pending_ = false;
  bool turn_end_pending_ = false;
  bool offer_pending_ = false;
  bool paused_ = false;
  bool eof_ = false;
  bool above_high_ = false;
};

// "connection reset", or the system's words.
std::string describe(const boost::system::error_code& error);

}  // namespace campanile::net
