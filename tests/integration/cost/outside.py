"""What a turn talks to that AWS does not bill: a model that streams like OpenAI's, and Twilio's API.

The model calls each tool it is offered once, then replies. Nothing of it waits; the wait is a figure of the bill.
"""

import json
import random
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MESSAGE_BYTES, REPLY_BYTES = 400, 900
# As long as the pieces in which models stream.
PIECE = 5

SENTENCES = """
I ordered the blue rain jacket in size M eight days ago and it still has not arrived.
The tracking page keeps saying that the parcel has left the depot in Kassel.
Could you check whether the courier lost it, or whether it was sent to my old address?
We are leaving for the Dolomites on Friday morning, so I am getting a little nervous.
If it can't be here by Thursday evening, I would rather have my money back.
My neighbour took in a parcel last week, but that one turned out to be for somebody else.
Thank you for your patience, and sorry that this is taking so much longer than promised.
The order left our warehouse on Tuesday and was handed to the carrier the same afternoon.
According to the carrier it missed a connection in Frankfurt because of the strike.
It is now planned for delivery tomorrow between 10 and 14 h.
You will get a text message with a narrower window as soon as the van is loaded.
Should nobody be at home, the driver leaves it at the pick-up point in Gartenstrasse 12.
If that is too late for your trip, I can cancel the shipment and refund 89.95 euros today.
Refunds usually show up on a credit card within three to five working days.
Alternatively our shop in Innsbruck has two jackets of that size on the shelf.
I could have one put aside under your name; they are open until half past six.
You would only need to show the confirmation mail or your customer number there.
The tent poles are sold separately, since most people only ever break one of them.
Washing it at thirty degrees with the special detergent keeps the membrane working.
Please don't use softener: it clogs the pores and the fabric starts to soak.
The seams are taped on the inside, which is why ironing it is not a good idea.
Boots of that series tend to run small, so many hikers take half a size more.
A crampon of category C2 fits them, while the stiffer C3 models do not.
The stove burns gas from any screw-on cartridge with the usual Lindal valve.
At two thousand metres expect a litre of water to need about four minutes.
Down loses most of its warmth when wet; a synthetic filling forgives more.
We repair zips free of charge within the first two years.
Send the bag in without its contents, and note what is wrong on a slip of paper.
The voucher is valid until the end of next year and can be combined with the sale.
Members collect points with every purchase, although not with gift cards.
Your invoice is attached to the mail of 3 March; the company's name can be changed once.
Climbing ropes are excluded from returns for reasons of safety, I'm afraid.
The lamp's battery charges in ninety minutes through the cable that came with it.
On its lowest setting it lasts for roughly forty hours.
Is there anything else that you would like to know about the order?
Let me know which of the two you prefer, and I will arrange it right away.
""".strip().splitlines()


def said(length, seed):
    """About `length` bytes of what customers and shops say, no sentence twice."""
    sentences = random.Random(seed).sample(SENTENCES, len(SENTENCES))
    text = ""
    while len(text) < length and sentences:
        text = f"{text} {sentences.pop()}".strip()
    return text[:length].strip()


class Outside:
    """Both of them on one port of this machine."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/chat/completions"):
            self.answer("text/event-stream", "".join(stream(json.loads(body))))
        else:
            self.answer("application/json", json.dumps({"sid": f"SM{random.getrandbits(128):032x}", "status": "queued"}), 201)

    def answer(self, kind, text, status=200):
        body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def stream(request):
    """The events of one answer."""
    messages = request["messages"]
    asked = max(number for number, message in enumerate(messages) if message["role"] == "user")
    tools = request.get("tools", [])
    if tools and asked == len(messages) - 1:
        deltas, reason = list(calls(tools, str(messages[asked]["content"]))), "tool_calls"
    else:
        text = said(REPLY_BYTES, len(messages) + random.getrandbits(32))
        deltas = [{"content": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
        reason = "stop"
    yield event({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
    for delta in deltas:
        yield event({"index": 0, "delta": delta, "finish_reason": None})
    yield event({"index": 0, "delta": {}, "finish_reason": reason})
    sent = len(json.dumps(messages)) // 4
    usage = {"prompt_tokens": sent, "completion_tokens": len(deltas), "total_tokens": sent + len(deltas)}
    yield event(None, usage=usage)
    yield "data: [DONE]\n\n"


def calls(tools, message):
    order = re.search(r"A\d{4}", message)[0]
    for number, tool in enumerate(tools):
        called = {"name": tool["function"]["name"], "arguments": json.dumps({"order_id": order})}
        identity = f"call_{random.getrandbits(96):024x}"
        yield {"tool_calls": [{"index": number, "id": identity, "type": "function", "function": called}]}


def event(choice, **more):
    chunk = {
        "id": "chatcmpl-Bq3mZ0kY7n1XvD5s8LwT2uHf",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [choice] if choice else [],
        **more,
    }
    return f"data: {json.dumps(chunk)}\n\n"
